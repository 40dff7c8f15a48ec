namespace Pipeline.Stages.Embeddings;

/// <summary>What an id of a vocabulary is.</summary>
internal enum TokenClass
{
    /// <summary>No token has this id: a row that pads the matrix.</summary>
    None,

    /// <summary>Text, by its bytes.</summary>
    Text,

    /// <summary>One byte of a vocabulary that has it as fallback: a text token of the same byte goes before it.</summary>
    ByteFallback,

    /// <summary>An added token: special, not text; its bytes are its name.</summary>
    Mark,
}
