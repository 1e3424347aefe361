version=2
rule=snoopy:%time:date-rfc3164% %host:word% snoopy[%pid:number%]: [login:%login:word% ssh:%ssh:word% username:%user:word% uid:%uid:number% group:%group:word% gid:%gid:number% sid:%sid:number% tty:%tty:word% cwd:%cwd:word% filename:%file:char-to:]%]: %command:rest%
