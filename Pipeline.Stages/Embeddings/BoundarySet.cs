namespace Pipeline.Stages.Embeddings;

/// <summary>Which tokens start a new pretoken: the set B of arXiv 2503.20083, section 3.3.</summary>
[Flags]
internal enum BoundarySet
{
    None = 0,

    /// <summary>First byte 0x20.</summary>
    Space = 1,

    /// <summary>First byte 0x0A.</summary>
    Newline = 2,

    /// <summary>First byte 0x09.</summary>
    Tab = 4,

    /// <summary>The special tokens.</summary>
    Special = 8,

    /// <summary>The default.</summary>
    All = Space | Newline | Tab | Special,
}
