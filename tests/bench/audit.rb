version=2
rule=syscall:type=SYSCALL msg=audit(%time:char-to:\x3a%:%serial:number%): arch=%arch:word% syscall=%syscall:word% success=%success:word% exit=%exit:word% a0=%a0:word% a1=%a1:word% a2=%a2:word% a3=%a3:word% items=%items:number% ppid=%ppid:number% pid=%pid:number% auid=%auid:number% uid=%uid:number% gid=%gid:number% euid=%euid:number% suid=%suid:number% fsuid=%fsuid:number% egid=%egid:number% sgid=%sgid:number% fsgid=%fsgid:number% tty=%tty:word% ses=%ses:number% comm=%comm:word% exe=%exe:word% %rest:rest%
rule=execve:type=EXECVE msg=audit(%time:char-to:\x3a%:%serial:number%): argc=%argc:number% %args:name-value-list%
rule=cwd:type=CWD msg=audit(%time:char-to:\x3a%:%serial:number%): cwd=%cwd:rest%
rule=path:type=PATH msg=audit(%time:char-to:\x3a%:%serial:number%): item=%item:number% name=%name:word% %rest:rest%
rule=proctitle:type=PROCTITLE msg=audit(%time:char-to:\x3a%:%serial:number%): proctitle=%proctitle:rest%
rule=eoe:type=EOE msg=audit(%time:char-to:\x3a%:%serial:number%):%-:rest%
