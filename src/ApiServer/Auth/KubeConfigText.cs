using System.Text;

namespace Knet.ApiServer.Auth;

/// <summary>The text of a kubeconfig file for one cluster, one user and one context, all of the same name.</summary>
public static class KubeConfigText
{
    /// <param name="name">The context: <c>knet</c>.</param>
    /// <param name="server">The API's address: <c>https://127.0.0.1:6443</c>.</param>
    /// <param name="caPem">The authority that signed the server's certificate.</param>
    /// <param name="client">The user's certificate and key.</param>
    public static string For(string name, Uri server, string caPem, PemPair client) => $"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: {name}
          cluster:
            server: {server.ToString().TrimEnd('/')}
            certificate-authority-data: {Encode(caPem)}
        users:
        - name: {name}
          user:
            client-certificate-data: {Encode(client.Certificate)}
            client-key-data: {Encode(client.Key)}
        contexts:
        - name: {name}
          context:
            cluster: {name}
            user: {name}
        current-context: {name}
        preferences: {"{}"}

        """;

    private static string Encode(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem.TrimEnd() + "\n"));
}
