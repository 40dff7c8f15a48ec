namespace Pipeline.Stages.Steering;

/// <summary>How much of an edit plain weights can hold.</summary>
internal enum FoldKind
{
    /// <summary>All: the folded model computes what the edited one does.</summary>
    Exact,

    /// <summary>The same most likely token everywhere; probabilities have another temperature at each token.</summary>
    MostLikely,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>The answer for one edit and one model.</summary>
/// <param name="Kind">How much.</param>
/// <param name="Why">In words.</param>
internal readonly record struct Foldability(FoldKind Kind, string Why);
