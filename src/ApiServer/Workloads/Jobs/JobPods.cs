using System.Globalization;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>Making a Job's pods, and letting go of them.</summary>
internal static class JobPods
{
    /// <summary>A pod from the Job's template, held until its end is counted.</summary>
    /// <param name="suffix">Five letters that no other pod of the Job has.</param>
    public static V1Pod New(V1Job job, V1OwnerReference reference, int? index, string suffix)
    {
        var template = job.Spec.Template;
        var prefix = index is { } i ? $"{job.Metadata.Name}-{i.ToString(CultureInfo.InvariantCulture)}" : job.Metadata.Name;
        var metadata = new V1ObjectMeta
        {
            NamespaceProperty = job.Metadata.NamespaceProperty,
            Name = $"{(prefix.Length > 57 ? prefix[..57] : prefix)}-{suffix}",
            GenerateName = $"{prefix}-",
            Labels = template.Metadata?.Labels,
            Annotations = template.Metadata?.Annotations,
            Finalizers = [.. template.Metadata?.Finalizers ?? [], JobLabels.Tracking],
            OwnerReferences = [reference],
        };
        if (index is not { } number)
        {
            return new V1Pod { ApiVersion = "v1", Kind = "Pod", Metadata = metadata, Spec = template.Spec };
        }

        var text = number.ToString(CultureInfo.InvariantCulture);
        return new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = metadata with { Labels = Add(metadata.Labels, text), Annotations = Add(metadata.Annotations, text) },
            Spec = template.Spec with
            {
                Hostname = $"{job.Metadata.Name}-{text}",
                Containers = [.. template.Spec.Containers.Select(WithIndex)],
                InitContainers = template.Spec.InitContainers is { } init ? [.. init.Select(WithIndex)] : null,
            },
        };
    }

    /// <summary>Takes the finalizer away, of this very pod.</summary>
    public static PlanStep Release(V1Pod pod) => Finalizer.Remove(pod, JobLabels.Tracking);

    public static bool IsHeld(V1Pod pod) => pod.Metadata.Finalizers?.Contains(JobLabels.Tracking) == true;

    private static Dictionary<string, string> Add(IDictionary<string, string>? notes, string index) =>
        new(notes ?? new Dictionary<string, string>()) { [JobLabels.CompletionIndex] = index };

    // From the annotation, as Kubernetes does it: the template's containers stay the same for all pods.
    private static V1Container WithIndex(V1Container container) => container.Env?.Any(e => e.Name == JobLabels.IndexVariable) == true
        ? container
        : container with { Env = [.. container.Env ?? [], IndexVariable()] };

    private static V1EnvVar IndexVariable() => new()
    {
        Name = JobLabels.IndexVariable,
        ValueFrom = new V1EnvVarSource
        {
            FieldRef = new V1ObjectFieldSelector { FieldPath = $"metadata.labels['{JobLabels.CompletionIndex}']" },
        },
    };
}
