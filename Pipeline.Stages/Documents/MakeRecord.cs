using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Documents;

/// <summary>Makes the record of a document, or of a part of a long one.</summary>
/// <param name="id">Of the document, with the part's number where there are several.</param>
/// <param name="text">Well-formed and NFC; the byte view of every side equals its UTF-8.</param>
/// <param name="sides">Its tokens under each tokenizer.</param>
internal delegate T MakeRecord<out T>(DocumentId id, string text, TokenSequence[] sides);
