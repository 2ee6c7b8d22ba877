using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

public sealed partial record KnConfiguration
{
    /// <inheritdoc cref="KnService.Validate"/>
    public void Validate(ServingPolicy policy, KnConfiguration? old, FieldErrors errors)
    {
        MetadataValidation.OfObject(Metadata, errors);
        MetadataValidation.NoAutoscaling(Metadata.Annotations, errors);
        MetadataValidation.OwnerLabel(Metadata, ServingKeys.Service, "Service", errors);
        TemplateValidation.Validate(Spec.Template, policy, Metadata, "spec.template", errors);
        if (old is not null)
        {
            if (Metadata.OwnerReferences is not { Count: > 0 })
            {
                MetadataValidation.Authors(old.Metadata, Metadata, () => Meta.Authors.Same(old.Spec, Spec), errors);
            }

            TemplateValidation.NameChange(old.Spec.Template, Spec.Template, errors);
        }
    }
}
