namespace Pipeline.Contracts.Teachers;

/// <summary>
/// What a teacher can say. It follows from the teacher's definition alone, so that <c>alm check</c> can refuse whatever needs more, before any work.
/// </summary>
/// <param name="Boundary">What it knows about the boundary mass.</param>
/// <param name="Bytes">What it can say about the next byte.</param>
/// <param name="HiddenStates">Whether it gives hidden states at given tokens.</param>
/// <param name="Online">
/// Whether it can run next to the student in training and give logits and hidden states as tensors, for objectives that read more than shards hold.
/// </param>
/// <param name="Generates">Whether it can continue a prompt.</param>
public sealed record TeacherAbilities(
    BoundaryKnowledge Boundary, NextByteKnowledge Bytes = NextByteKnowledge.None, bool HiddenStates = false, bool Online = false, bool Generates = false);

/// <summary>What a teacher knows about the boundary mass after a token. Larger values know more.</summary>
public enum BoundaryKnowledge
{
    /// <summary>Nothing: its scores have no boundary masses.</summary>
    None,

    /// <summary>A lower and an upper bound, because it sees only a part of the distribution.</summary>
    Interval,

    /// <summary>The mass itself, summed over the whole distribution.</summary>
    Exact,
}

/// <summary>What a teacher can say about the next byte ("Exact next bytes" in docs/method.md). Larger values can say more.</summary>
public enum NextByteKnowledge
{
    None,

    /// <summary>Sums over the distributions that follow the document's own tokens.</summary>
    Trunk,

    /// <summary>The exact distribution at every byte, because it can also be asked about tokens other than the document's own.</summary>
    Exact,
}
