version=2
rule=sudo:%time:date-rfc3164% %host:word% sudo[%pid:number%]:%-:whitespace%%user:word% : TTY=%tty:word% ; PWD=%pwd:word% ; USER=%runas:word% ; COMMAND=%command:rest%
