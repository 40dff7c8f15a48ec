namespace Pipeline.Stages.Documents;

/// <summary>What becomes of a document with more tokens than a side may have.</summary>
internal enum LongDocuments
{
    /// <summary>It becomes several documents, each tokenized on its own.</summary>
    Split,

    /// <summary>Its beginning is kept.</summary>
    Cut,

    /// <summary>It is rejected and counted.</summary>
    Reject,
}
