using Knet.Oci.Layers;
using Knet.Oci.Tar;

namespace Knet.Tests.Unit.Oci;

/// <summary>A directory for one test.</summary>
internal sealed class TempDirectory : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("knet-unit-").FullName;

    internal string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Libc.RemoveTree(ByteStrings.FromText(Path));
}
