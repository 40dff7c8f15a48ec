namespace Pipeline.Stages.Objectives;

/// <summary>The bytes of a text at which next bytes are compared.</summary>
internal enum BytePositions
{
    /// <summary>All that the teacher has a distribution at.</summary>
    Every,

    /// <summary>The first of the text, and those behind a token of the teacher's: none inside a token.</summary>
    TokenEnds,
}
