namespace Pipeline.Stages.Documents;

/// <summary>What becomes of a document that has more tokens than a side may have.</summary>
internal enum LongDocuments
{
    /// <summary>It becomes several documents, each tokenized by itself.</summary>
    Split,

    /// <summary>Only its beginning is kept.</summary>
    Cut,

    /// <summary>It is rejected, and counted.</summary>
    Reject,
}
