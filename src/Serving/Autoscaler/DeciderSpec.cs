namespace Knet.Serving.Autoscaler;

/// <summary>How the averages of a window are made.</summary>
public enum AggregationAlgorithm
{
    /// <summary>Every second counts the same.</summary>
    Linear,

    /// <summary>The younger a second, the more it counts.</summary>
    WeightedExponential,
}

/// <summary>What the decider must know of one Revision, from its annotations and config-autoscaler. Compared by value.</summary>
public sealed record DeciderSpec
{
    /// <summary>Scale by requests per second instead of by requests at a time.</summary>
    public bool ByRequestsPerSecond { get; init; }

    /// <summary>What one pod is taken to bear.</summary>
    public required double TotalValue { get; init; }

    /// <summary>What one pod is to have on average.</summary>
    public required double TargetValue { get; init; }

    /// <summary>See <see cref="AutoscalerConfig.TargetBurstCapacity"/>.</summary>
    public double TargetBurstCapacity { get; init; }

    public double MaxScaleUpRate { get; init; }
    public double MaxScaleDownRate { get; init; }

    /// <summary>The fewest pods when there are any; 0 and 1 mean no such rule.</summary>
    public int ActivationScale { get; init; }

    /// <summary>Pods wanted in proportion to pods ready at which panic begins; 2 for 200 percent.</summary>
    public double PanicThreshold { get; init; }

    public TimeSpan StableWindow { get; init; }
    public TimeSpan PanicWindow { get; init; }
    public TimeSpan ScaleDownDelay { get; init; }
    public int InitialScale { get; init; }

    /// <summary>A Revision that no Route names may shrink at once.</summary>
    public bool Reachable { get; init; } = true;

    public AggregationAlgorithm Algorithm { get; init; }
}

/// <summary>What the decider wants.</summary>
/// <param name="DesiredScale">Pods; -1 while nothing is known.</param>
/// <param name="ExcessBurstCapacity">How much more could come at once; negative puts the activator into the path.</param>
public readonly record struct ScaleDecision(int DesiredScale, int ExcessBurstCapacity)
{
    /// <summary>Before anything was measured.</summary>
    public static ScaleDecision Initial(DeciderSpec spec) => new(-1, spec.TargetBurstCapacity is -1 or 0
        ? (int)spec.TargetBurstCapacity
        : (int)((spec.InitialScale * spec.TotalValue) - spec.TargetBurstCapacity));
}
