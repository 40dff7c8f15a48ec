namespace Pipeline.Stages.Objectives;

/// <summary>Where in a text next bytes are compared.</summary>
internal enum BytePositions
{
    /// <summary>At every byte for which the teacher has a distribution.</summary>
    Every,

    /// <summary>At the first byte of the text and after each of the teacher's tokens, but not inside a token.</summary>
    TokenEnds,
}
