using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

public sealed partial record KnRevision
{
    /// <inheritdoc cref="KnService.Validate"/>
    public void Validate(ServingPolicy policy, KnRevision? old, FieldErrors errors)
    {
        MetadataValidation.OfObject(Metadata, errors);
        AutoscalingAnnotations.Validate(Metadata.Annotations, policy.Autoscaling, "metadata.annotations", errors);
        MetadataValidation.OwnerLabel(Metadata, ServingKeys.Configuration, "Configuration", errors);
        if (old is null)
        {
            PodValidation.Validate(Spec, policy, "spec", errors);
        }
        else if (!Authors.Same(old.Spec, Spec))
        {
            errors.Add("Immutable fields changed (-old +new)", "spec", JsonDiff.Of(old.Spec, Spec));
        }
    }
}
