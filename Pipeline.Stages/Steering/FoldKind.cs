namespace Pipeline.Stages.Steering;

/// <summary>How much of an edit can be folded into plain weights.</summary>
internal enum FoldKind
{
    /// <summary>All of it: the folded model computes what the edited one does.</summary>
    Exact,

    /// <summary>The most likely token is the same everywhere, but at each token the probabilities have another temperature.</summary>
    MostLikely,

    /// <summary>Nothing of it.</summary>
    None,
}

/// <summary>Whether an edit can be folded into the weights of a model.</summary>
/// <param name="Kind">How much of it can be folded.</param>
/// <param name="Why">The reason, for the user.</param>
internal readonly record struct Foldability(FoldKind Kind, string Why);
