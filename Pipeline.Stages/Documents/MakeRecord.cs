using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Documents;

/// <summary>Makes the record of a document, or of one part of a long document.</summary>
/// <param name="id">The document's id, with the number of the part if there are several.</param>
/// <param name="text">The text, well-formed and NFC. The byte views of every side's text tokens add up to its UTF-8.</param>
/// <param name="sides">The text's tokens under each tokenizer.</param>
internal delegate T MakeRecord<out T>(DocumentId id, string text, TokenSequence[] sides);
