using System.Text.Json.Serialization;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Eventing.V1;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;

namespace Knet.Api.Meta;

/// <summary>Generated (de)serialisers: our kinds and the built-in kinds on the main path, so that start-up needs no reflection.</summary>
/// <remarks>
/// Generated code hands null to an <c>init</c> member that the JSON does not have, whatever its initialiser says: members with a default
/// therefore coalesce in their accessor (<c>init => field = value ?? new()</c>).
/// </remarks>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(KnService))]
[JsonSerializable(typeof(KnConfiguration))]
[JsonSerializable(typeof(KnRevision))]
[JsonSerializable(typeof(KnRoute))]
[JsonSerializable(typeof(KnPodAutoscaler))]
[JsonSerializable(typeof(KnMetric))]
[JsonSerializable(typeof(KnServerlessService))]
[JsonSerializable(typeof(KnIngress))]
[JsonSerializable(typeof(KnCertificate))]
[JsonSerializable(typeof(KnDomainMapping))]
[JsonSerializable(typeof(KnClusterDomainClaim))]
[JsonSerializable(typeof(KnBroker))]
[JsonSerializable(typeof(KnTrigger))]
[JsonSerializable(typeof(V1Pod))]
[JsonSerializable(typeof(V1Deployment))]
[JsonSerializable(typeof(V1ReplicaSet))]
[JsonSerializable(typeof(V1Service))]
[JsonSerializable(typeof(V1Endpoints))]
[JsonSerializable(typeof(V1EndpointSlice))]
[JsonSerializable(typeof(V1ConfigMap))]
[JsonSerializable(typeof(V1Secret))]
[JsonSerializable(typeof(V1Namespace))]
[JsonSerializable(typeof(V1Node))]
[JsonSerializable(typeof(V1ServiceAccount))]
[JsonSerializable(typeof(V1Lease))]
[JsonSerializable(typeof(Corev1Event))]
[JsonSerializable(typeof(V1Scale))]
[JsonSerializable(typeof(V1Status))]
[JsonSerializable(typeof(V1DeleteOptions))]
[JsonSerializable(typeof(V1CustomResourceDefinition))]
[JsonSerializable(typeof(V1ClusterRole))]
[JsonSerializable(typeof(V1ClusterRoleBinding))]
[JsonSerializable(typeof(V1Role))]
[JsonSerializable(typeof(V1RoleBinding))]
public sealed partial class KnJsonContext : JsonSerializerContext;
