using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Kube.Controllers;
using Knet.Oci;
using Knet.Serving.Config;
using Knet.Serving.Configurations;
using Knet.Serving.DomainMappings;
using Knet.Serving.GarbageCollection;
using Knet.Serving.Labeler;
using Knet.Serving.Revisions;
using Knet.Serving.Routes;
using Knet.Serving.Services;
using Microsoft.Extensions.Logging;

namespace Knet.Serving;

/// <summary>The controllers of Serving apart from scaling, as they are wired in the process that runs them.</summary>
public static class ServingControllers
{
    /// <summary>Registers the ConfigMaps that these controllers and the admission read; before anything asks for them.</summary>
    public static ConfigSource RegisterConfig(ConfigSource source) => source
        .Register(DefaultsConfigMap.Kind)
        .Register(FeaturesConfigMap.Kind)
        .Register(AutoscalingLimitsConfigMap.Kind)
        .Register(DeploymentConfig.Kind)
        .Register(DomainConfig.Kind)
        .Register(GcConfig.Kind)
        .Register(NetworkConfig.Kind)
        .Register(ObservabilityConfig.Kind);

    /// <summary>Registers the controllers; before the host starts.</summary>
    /// <param name="client">The identity under which they write, and read pull secrets.</param>
    /// <param name="images">Resolves image tags to digests.</param>
    /// <returns>What is to be disposed after the host.</returns>
    public static IDisposable Register(ControllerHost host, KubeClient client, IImages images)
    {
        var digests = new DigestSource(
            images, new PullCredentials(client), host.Config, host.Time, host.Loggers.CreateLogger<DigestSource>());
        host.Facts.Add(digests);
        host.Add("service-controller", new ServiceReconciler(), client)
            .Reads<KnConfiguration>().Reads<KnRoute>().Reads<KnRevision>();
        var configurations = host.Add("configuration-controller", new ConfigurationReconciler(), client).Reads<KnRevision>();
        configurations.FailureEvent = static (_, error) =>
            new PlanEvent("Warning", "CreationFailed", $"Failed to create Revision: {error.Message}");
        host.Add("revision-controller", new RevisionReconciler(), client)
            .Reads<V1Deployment>().Reads<V1Pod>().Reads<KnPodAutoscaler>();
        host.Add("route-controller", new RouteReconciler(), client)
            .Reads<KnConfiguration>().Reads<KnRevision>().Reads<KnIngress>().Reads<KnCertificate>().Reads<V1Service>().Reads<V1Endpoints>();
        host.Add("domainmapping-controller", new DomainMappingReconciler(), client)
            .Reads<KnClusterDomainClaim>().Reads<KnService>().Reads<KnRoute>().Reads<V1Service>().Reads<KnIngress>().Reads<KnCertificate>();
        host.Add("labeler-controller", new RouteLabeler(), client).Reads<KnConfiguration>().Reads<KnRevision>();
        host.Add("labeler-controller-revisions", new RevisionUnlabeler(), client).Reads<KnConfiguration>().Reads<KnRoute>();
        host.Add("labeler-controller-configurations", new ConfigurationUnlabeler(), client).Reads<KnRevision>().Reads<KnRoute>();
        host.Add("gc-controller", new RevisionCollector(), client).Reads<KnRevision>();
        return digests;
    }
}
