using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Gateway.Tls.Acme;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Microsoft.Extensions.Logging;

namespace Knet.Gateway.Tls;

/// <summary>The controller that fulfils Certificates, as it is wired in the process that runs it.</summary>
public static class CertificateControllers
{
    /// <summary>Registers it; before the host starts. Needs <see cref="CertificateConfig.Kind"/>.</summary>
    /// <param name="client">The identity under which it writes Secrets.</param>
    /// <param name="challenges">What the gateway answers to ACME servers.</param>
    /// <returns>What is to be disposed after the host.</returns>
    public static IDisposable Register(
        ControllerHost host, KubeClient client, ICertificateAuthority authority, ChallengeBook challenges, GatewayOptions options)
    {
        var orders = new CertificateOrders(
            authority, new AcmeIssuer(client, challenges, options.SystemNamespace, host.Time), host.Config, host.Time,
            host.Loggers.CreateLogger<CertificateOrders>());
        host.Facts.Add(orders);
        host.Add("certificate-controller", new CertificateReconciler(), client).Reads<V1Secret>();
        return orders;
    }
}
