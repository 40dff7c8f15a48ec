namespace Pipeline.Contracts.Records;

/// <summary>A tokenized pair with its chunks, in order.</summary>
public sealed record AlignedPair(DocumentId Id, string Text, TokenSequence Teacher, TokenSequence Student, Chunk[] Chunks);
