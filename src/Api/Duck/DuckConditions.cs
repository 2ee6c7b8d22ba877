using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>Conditions that several kinds of Eventing share, with upstream's reasons and texts.</summary>
public static class DuckConditions
{
    public const string DeadLetterSinkResolved = "DeadLetterSinkResolved";
    public const string EventPoliciesReady = "EventPoliciesReady";
    public const string OidcIdentityCreated = "OIDCIdentityCreated";

    /// <summary>A dead letter sink that was resolved, or none at all: both are well.</summary>
    public static List<KnCondition> DeadLetters(ConditionSet set, List<KnCondition>? conditions, bool hasSink) => hasSink
        ? set.MarkTrue(conditions, DeadLetterSinkResolved)
        : set.MarkTrue(conditions, DeadLetterSinkResolved, "DeadLetterSinkNotConfigured", "No dead letter sink is configured.");

    /// <summary>Without identities nobody can be told apart: policies have nothing to say.</summary>
    public static List<KnCondition> PoliciesOff(ConditionSet set, List<KnCondition>? conditions) => set.MarkTrue(
        conditions, EventPoliciesReady, "OIDCDisabled", "Feature \"authentication-oidc\" must be enabled to support Authorization");

    /// <summary>The flag is on and the data plane checks no tokens: nothing may look protected that is not.</summary>
    public static List<KnCondition> PoliciesUnsupported(ConditionSet set, List<KnCondition>? conditions) => set.MarkFalse(
        conditions, EventPoliciesReady, "OIDCNotSupported",
        "authentication-oidc is enabled in config-features, but senders are not authenticated here: disable it");

    public static List<KnCondition> IdentityOff(ConditionSet set, List<KnCondition>? conditions) =>
        set.MarkTrue(conditions, OidcIdentityCreated, "authentication-oidc feature disabled");
}
