namespace Pipeline.Contracts.Teachers;

/// <summary>What a teacher can say; a function of its definition alone, so that <c>check</c> refuses what it cannot before any work.</summary>
/// <param name="Boundary">What it knows of the boundary mass.</param>
/// <param name="Bytes">What it can say of next bytes.</param>
/// <param name="HiddenStates">Hidden states at given tokens.</param>
/// <param name="Online">Logits and hidden states as tensors while the student trains, for objectives that read more than a cache holds.</param>
/// <param name="Generates">Continuations of a prompt.</param>
public sealed record TeacherAbilities(
    BoundaryKnowledge Boundary, NextByteKnowledge Bytes = NextByteKnowledge.None, bool HiddenStates = false, bool Online = false, bool Generates = false);

/// <summary>What a teacher knows of the mass of boundary tokens after a token.</summary>
public enum BoundaryKnowledge
{
    /// <summary>Nothing: scores have no boundary masses.</summary>
    None,

    /// <summary>A lower and an upper bound: part of the distribution was seen.</summary>
    Interval,

    /// <summary>The mass: the whole distribution was summed.</summary>
    Exact,
}

/// <summary>What a teacher can say of the next byte.</summary>
public enum NextByteKnowledge
{
    None,

    /// <summary>Sums over the distributions that follow the document's own tokens.</summary>
    Trunk,

    /// <summary>The exact distribution at every byte: it can be asked about tokens other than the document's own.</summary>
    Exact,
}
