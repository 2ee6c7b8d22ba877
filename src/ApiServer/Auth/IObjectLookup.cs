using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>Reads objects for the server's own needs: whether a token's account and pod still exist, which pod to connect to.</summary>
public interface IObjectLookup
{
    /// <summary>The object, or null when it does not exist.</summary>
    Task<KubeDocument?> FindAsync(ResourceType type, string ns, string name, CancellationToken cancellationToken);
}

/// <summary>Looks objects up in the registry, as the server itself.</summary>
/// <param name="registry">Asked at each call, so that the lookup can be made before the registry.</param>
public sealed class RegistryLookup(Func<IRegistry> registry) : IObjectLookup
{
    private static readonly KubeUser Server = new("system:apiserver", ["system:masters"]);

    public async Task<KubeDocument?> FindAsync(ResourceType type, string ns, string name, CancellationToken cancellationToken)
    {
        try
        {
            var request = new KubeRequest(KubeVerb.Get, type) { Namespace = ns, Name = name };
            return (await registry().SendAsync(request, Server, cancellationToken)).Document;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }
}
