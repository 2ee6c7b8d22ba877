using System.Runtime.InteropServices;

namespace Knet.Oci.Layers;

/// <summary>
/// Unpacks Zstandard with the system's libzstd, which the framework lacks (until .NET 11) and which every Debian has, as dpkg needs it.
/// </summary>
internal sealed unsafe partial class ZstdStream : ReadStream
{
    private const int WindowLogMax = 27;    // 128 MiB of memory at most, zstd's own default
    private const int WindowLogParameter = 100;
    private const int InputBytes = 128 * 1024;

    private readonly Stream _packed;
    private readonly byte[] _input = new byte[InputBytes];
    private nint _state;
    private int _at;
    private int _count;
    private bool _withinFrame;

    /// <summary>Unpacks <paramref name="packed"/>, which is closed together with this.</summary>
    /// <exception cref="ImageException">libzstd is not on this machine.</exception>
    internal ZstdStream(Stream packed)
    {
        _packed = packed;
        try
        {
            _state = CreateState();
        }
        catch (DllNotFoundException e)
        {
            throw new ImageException(
                "a layer is packed with zstd, and libzstd.so.1 is not on this machine; install the package libzstd1", inner: e);
        }

        Check(SetParameter(_state, WindowLogParameter, WindowLogMax));
    }

    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_state == 0, this);
        while (buffer.Length > 0)
        {
            if (_at == _count)
            {
                _count = _packed.Read(_input);
                _at = 0;
                if (_count == 0)
                {
                    return _withinFrame ? throw new InvalidDataException("the zstd data is cut off") : 0;
                }
            }

            var written = Decompress(buffer);
            if (written > 0)
            {
                return written;
            }
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (_state != 0)
        {
            FreeState(_state);
            _state = 0;
        }

        if (disposing)
        {
            _packed.Dispose();
        }

        base.Dispose(disposing);
    }

    private static nuint Check(nuint result) => IsError(result) == 0
        ? result
        : throw new InvalidDataException($"the zstd data is broken: {Marshal.PtrToStringUTF8(ErrorName(result))}");

    private int Decompress(Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        fixed (byte* from = _input)
        {
            var output = new BufferPart { Start = to, Size = (nuint)buffer.Length };
            var input = new BufferPart { Start = from, Size = (nuint)_count, Position = (nuint)_at };
            _withinFrame = Check(DecompressStream(_state, ref output, ref input)) != 0;
            _at = (int)input.Position;
            return (int)output.Position;
        }
    }

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_createDStream")]
    private static partial nint CreateState();

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_freeDStream")]
    private static partial nuint FreeState(nint state);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_DCtx_setParameter")]
    private static partial nuint SetParameter(nint state, int parameter, int value);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_decompressStream")]
    private static partial nuint DecompressStream(nint state, ref BufferPart output, ref BufferPart input);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint result);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorName(nuint result);

    [StructLayout(LayoutKind.Sequential)]
    private struct BufferPart
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }
}
