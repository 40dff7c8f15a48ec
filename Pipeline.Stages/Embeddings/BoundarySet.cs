namespace Pipeline.Stages.Embeddings;

/// <summary>Which tokens count as boundary tokens: the set B of arXiv 2503.20083, section 3.3.</summary>
[Flags]
internal enum BoundarySet
{
    None = 0,

    /// <summary>Tokens whose first byte is a space, 0x20.</summary>
    Space = 1,

    /// <summary>Tokens whose first byte is a line feed, 0x0A.</summary>
    Newline = 2,

    /// <summary>Tokens whose first byte is a tab, 0x09.</summary>
    Tab = 4,

    /// <summary>All special tokens.</summary>
    Special = 8,

    /// <summary>All of these, which is the default.</summary>
    All = Space | Newline | Tab | Special,
}
