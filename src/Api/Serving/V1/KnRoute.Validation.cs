using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

public sealed partial record KnRoute
{
    /// <inheritdoc cref="KnService.Validate"/>
    public void Validate(KnRoute? old, FieldErrors errors)
    {
        MetadataValidation.OfObject(Metadata, errors);
        MetadataValidation.NoAutoscaling(Metadata.Annotations, errors);
        MetadataValidation.OwnerLabel(Metadata, ServingKeys.Service, "Service", errors);
        MetadataValidation.RolloutDuration(Metadata.Annotations, errors);
        TrafficValidation.Validate(Spec.Traffic, isWithinService: false, errors);
        if (old is not null && Metadata.OwnerReferences is not { Count: > 0 })
        {
            MetadataValidation.Authors(old.Metadata, Metadata, () => Meta.Authors.Same(old.Spec, Spec), errors);
        }
    }
}
