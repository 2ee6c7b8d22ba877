using System.Runtime.InteropServices;
using System.Text.Json;

namespace Knet.Node.Runtime;

/// <summary>
/// The RuntimeDefault profile: every system call that ordinary programs use, EPERM for the rest. What changes the machine (mounts,
/// modules, clocks, keyrings, tracing of others, namespaces) is open only to containers with the capability for it.
/// </summary>
/// <remarks>
/// Only the machine's own architecture is listed: the filter for three x86 variants costs the runtime 10 ms per start, measured, and
/// programs of 32 bits are refused instead.
/// </remarks>
internal static class SeccompProfile
{
    private const string Ordinary = """
        accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_adjtime clock_getres
        clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
        epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate
        fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
        fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents
        getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
        getresuid getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getxattr
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents ioprio_get
        ioprio_set io_setup io_submit kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat
        listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier memfd_create memfd_secret
        mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify mq_open
        mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at
        nanosleep newfstatat open openat openat2 pause personality pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
        pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6
        ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr
        rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
        rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
        sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
        sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto setfsgid setfsuid
        setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit set_robust_list setsid
        setsockopt set_thread_area set_tid_address setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
        socket socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create
        timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate
        umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev
        """;

    private static readonly (string Capability, string Calls)[] ByCapability =
    [
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ("CAP_SYS_ADMIN", """
            bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
            perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare
            """),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_SYS_MODULE", "delete_module finit_module init_module"),
        ("CAP_SYS_PACCT", "acct"),
        ("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"),
        ("CAP_SYS_RAWIO", "ioperm iopl"),
        ("CAP_SYS_TIME", "clock_settime settimeofday stime"),
        ("CAP_SYS_TTY_CONFIG", "vhangup"),
        ("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
    ];

    // CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET: new namespaces need CAP_SYS_ADMIN.
    private const uint NamespaceFlags = 0x7E020000;
    private const int Enosys = 38, Eperm = 1;

    public static void Write(Utf8JsonWriter json, IReadOnlyCollection<string> capabilities)
    {
        json.WriteStartObject("seccomp");
        json.WriteString("defaultAction", "SCMP_ACT_ERRNO");
        json.WriteNumber("defaultErrnoRet", Eperm);
        json.WriteStartArray("architectures");
        json.WriteStringValue(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64");
        json.WriteEndArray();
        json.WriteStartArray("syscalls");
        Rule(json, Ordinary, "SCMP_ACT_ALLOW");
        foreach (var (capability, calls) in ByCapability)
        {
            if (capabilities.Contains(capability))
            {
                Rule(json, calls, "SCMP_ACT_ALLOW");
            }
        }

        if (!capabilities.Contains("CAP_SYS_ADMIN"))
        {
            WriteClone(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteClone(Utf8JsonWriter json)
    {
        Begin(json, "clone", "SCMP_ACT_ALLOW");
        json.WriteStartArray("args");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        json.WriteNumber("value", NamespaceFlags);
        json.WriteNumber("valueTwo", 0);
        json.WriteString("op", "SCMP_CMP_MASKED_EQ");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();

        // Its flags are behind a pointer, which no filter can read: ENOSYS makes libraries fall back to clone.
        Begin(json, "clone3", "SCMP_ACT_ERRNO");
        json.WriteNumber("errnoRet", Enosys);
        json.WriteEndObject();
    }

    private static void Rule(Utf8JsonWriter json, string calls, string action)
    {
        Begin(json, calls, action);
        json.WriteEndObject();
    }

    private static void Begin(Utf8JsonWriter json, string calls, string action)
    {
        json.WriteStartObject();
        json.WriteStartArray("names");
        foreach (var name in calls.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
        json.WriteString("action", action);
    }
}
