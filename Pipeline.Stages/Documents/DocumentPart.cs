using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Documents;

/// <summary>A document, or a part of a long one, under each tokenizer.</summary>
internal sealed record DocumentPart(DocumentId Id, string Text, TokenSequence[] Sides);
