using System.Runtime.InteropServices;

namespace Knet.Node.Runtime;

/// <summary>Programs of a few machine instructions as ELF files: what the node itself runs in containers needs nothing from the host.</summary>
internal static class TinyPrograms
{
    /// <summary>Ends at once with code 0.</summary>
    /// <exception cref="PlatformNotSupportedException">Neither x64 nor arm64.</exception>
    public static byte[] Exit() => Elf(
        [0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05], // xor edi,edi; mov eax,60; syscall
        [0xd2800000, 0xd2800ba8, 0xd4000001]);       // mov x0,0; mov x8,93; svc 0

    /// <summary>
    /// Sleeps for ever as the first process of a shared process namespace; ignores SIGCHLD, so that the kernel itself buries the
    /// orphans it inherits.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">Neither x64 nor arm64.</exception>
    public static byte[] Pause() => Elf(
        [
            0x31, 0xc0, 0x50, 0x50, 0x50, 0x6a, 0x01,                   // on the stack: SIG_IGN, no flags, no restorer, no mask
            0xbf, 17, 0, 0, 0, 0x48, 0x89, 0xe6, 0x31, 0xd2,            // edi = SIGCHLD; rsi = rsp; rdx = 0
            0x41, 0xba, 8, 0, 0, 0, 0xb8, 13, 0, 0, 0, 0x0f, 0x05,      // r10 = 8; rt_sigaction
            0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7,                  // pause, again and again
        ],
        [
            0xd2800020, 0xa9be7fe0, 0xa9017fff,                         // x0 = SIG_IGN; stored with three zeros
            0xd2800220, 0x910003e1, 0xd2800002, 0xd2800103, 0xd28010c8, 0xd4000001, // rt_sigaction(SIGCHLD, sp, 0, 8)
            0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800928, 0xd4000001, 0x17fffffa, // ppoll of nothing, again and again
        ]);

    private static byte[] Elf(byte[] x64, uint[] arm64)
    {
        var (machine, code) = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => (62, x64),
            Architecture.Arm64 => (183, MemoryMarshal.AsBytes(arm64.AsSpan()).ToArray()),
            var other => throw new PlatformNotSupportedException($"no programs for {other}"),
        };
        using var elf = new MemoryStream();
        using var writer = new BinaryWriter(elf);
        const ulong start = 0x400000;
        writer.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write((ushort)2);               // executable
        writer.Write((ushort)machine);
        writer.Write(1);
        writer.Write(start + 120);             // entry: after the two headers
        writer.Write(64UL);                    // program headers
        writer.Write(0UL);
        writer.Write(0);
        foreach (var size in (ushort[])[64, 56, 1, 0, 0, 0])
        {
            writer.Write(size);
        }

        writer.Write(1);                       // one segment to load
        writer.Write(5);                       // readable, executable
        foreach (var value in (ulong[])[0, start, start, 120 + (ulong)code.Length, 120 + (ulong)code.Length, 0x1000])
        {
            writer.Write(value);
        }

        writer.Write(code);
        return elf.ToArray();
    }
}
