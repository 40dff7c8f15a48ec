namespace Pipeline.Stages.Embeddings;

/// <summary>What an id of a vocabulary is.</summary>
internal enum TokenClass
{
    /// <summary>No token has this id. It is a row that pads the matrix.</summary>
    None,

    /// <summary>A token of text.</summary>
    Text,

    /// <summary>
    /// A single byte, in a vocabulary that spells unknown text with such tokens. An ordinary text token with the same byte takes precedence.
    /// </summary>
    ByteFallback,

    /// <summary>An added token, which is not part of the text. Its bytes are its name.</summary>
    Mark,
}
