using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tokenization.Gguf;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// Checks the vocabulary of a GGUF file before llama.cpp sees it. What would make llama.cpp abort, or refuse the file without a reason, gets a clear
/// message here.
/// </summary>
internal static class GgufVocabulary
{
    private const string Embedding = "token_embd.weight";

    /// <summary>Checks a file.</summary>
    /// <param name="path">The full path of the file.</param>
    /// <param name="storage">The storage that has the file.</param>
    /// <exception cref="InputException">The file is damaged or only a part of a model, or llama.cpp cannot work with its vocabulary.</exception>
    public static void Check(string path, IStorage storage)
    {
        using GgufFile file = GgufFile.Open(path, storage);
        GgufMetadata metadata = file.Metadata;
        if (metadata.Text("general.architecture") is null)
            throw new InputException($"{path}: it has no general.architecture, which says how the model is computed");
        if (metadata.Whole("split.count") is > 1 and { } parts)
            throw new InputException($"{path}: it is one of {parts} parts; join them with llama-gguf-split --merge");
        if (metadata.Texts(GgufKeys.Tokens) is not { } tokens)
            throw new InputException($"{path}: it has no {GgufKeys.Tokens}; a teacher needs a vocabulary");
        if (file.Tensor(Embedding) is { Shape: [var rows, _] } && rows != tokens.Length)
            throw new InputException($"{path}: {Embedding} has {rows} rows for {tokens.Length} tokens");
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (!seen.Add(tokens[id]))
                throw new InputException($"{path}: token {id} is '{tokens[id]}', like an earlier one, which makes llama.cpp abort: write the file again with distinct tokens");
        }
        if (metadata.Text(GgufKeys.Model) == GgufKeys.ByteLevel && metadata.Text(GgufKeys.Pre) is { } pre && !PreTokenizers.IsKnown(pre))
            throw new InputException($"{path}: its pre-tokenizer is '{pre}', which the llama.cpp in this program does not know; it knows {string.Join(", ", PreTokenizers.All.SelectMany(p => p.Plain.Concat(p.Ignoring)).Concat(PreTokenizers.Others).Order(StringComparer.Ordinal))}");
    }
}
