using Knet.Oci.Tar;

namespace Knet.Oci.Layers;

/// <summary>Directories that programs in containers have written to.</summary>
public static class FileTrees
{
    /// <summary>Removes a directory with all below it, whatever bytes the names are made of; links are removed, not followed.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">Something in it resists; the text names it.</exception>
    public static void Remove(string directory) => Libc.RemoveTree(ByteStrings.FromText(directory));
}
