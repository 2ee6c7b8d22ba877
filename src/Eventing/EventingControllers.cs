using k8s.Models;
using Knet.Api.Eventing.V1;
using Knet.Eventing.Addressing;
using Knet.Eventing.Brokers;
using Knet.Eventing.Config;
using Knet.Eventing.Triggers;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Kube.Controllers;

namespace Knet.Eventing;

/// <summary>The controllers of Eventing, as they are wired in the process that runs them.</summary>
public static class EventingControllers
{
    /// <summary>Registers the ConfigMaps that the controllers and the admission read; before anything asks for them.</summary>
    public static ConfigSource RegisterConfig(ConfigSource source) => source
        .Register(EventingFeaturesMap.Kind)
        .Register(BrokerDefaultsMap.Kind)
        .Register(ChannelDefaultsMap.Kind);

    /// <summary>Registers the controllers; before the host starts.</summary>
    /// <param name="client">The identity under which they write.</param>
    public static void Register(ControllerHost host, KubeClient client)
    {
        Target.ReadAll(host.Add("mt-broker-controller", new BrokerReconciler(), client)).Reads<V1Endpoints>();
        Target.ReadAll(host.Add("mt-broker-trigger-controller", new TriggerReconciler(), client));
    }
}
