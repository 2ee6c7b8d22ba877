using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

public sealed partial record KnService
{
    /// <summary>Checks the object, and the change from <paramref name="old"/> when there is one.</summary>
    public void Validate(ServingPolicy policy, KnService? old, FieldErrors errors)
    {
        MetadataValidation.OfObject(Metadata, errors);
        MetadataValidation.NoAutoscaling(Metadata.Annotations, errors);
        MetadataValidation.RolloutDuration(Metadata.Annotations, errors);
        TemplateValidation.Validate(Spec.Template, policy, Metadata, "spec.template", errors);
        TrafficValidation.Validate(Spec.Traffic, isWithinService: true, errors);
        if (old is not null)
        {
            MetadataValidation.Authors(old.Metadata, Metadata, () => Meta.Authors.Same(old.Spec, Spec), errors);
            TemplateValidation.NameChange(old.Spec.Template, Spec.Template, errors);
        }
    }
}
