using Knet.ApiServer.Registry.Crds;

namespace Knet.ApiServer.Registry.Kinds;

/// <summary>Serves at start what the stored CRDs define.</summary>
internal static class CustomKinds
{
    public static void LoadAll(RegistryParts parts)
    {
        foreach (var stored in parts.Store.Snapshot(CrdStrategy.Table).Range(""))
        {
            parts.Kinds.Replace(stored.Key.Name, CrdKinds.Of(ObjectBodies.Parse(stored.Document), stored.Revision));
        }
    }
}
