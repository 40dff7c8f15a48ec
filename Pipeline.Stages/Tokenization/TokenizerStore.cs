using System.Collections.Concurrent;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization;

/// <summary>Loads each tokenizer of a run once; stages share what it hands out.</summary>
public sealed class TokenizerStore(IStorage storage)
{
    private readonly ConcurrentDictionary<string, Lazy<TextTokenizer>> _tokenizers = new(StringComparer.Ordinal);

    /// <summary>The tokenizer at a full path (folder or tokenizer.json), or <c>"bytes"</c>.</summary>
    /// <exception cref="Contracts.Errors.InputException">It cannot be loaded; asking again tries again.</exception>
    public TextTokenizer Get(string path)
    {
        Lazy<TextTokenizer> tokenizer = _tokenizers.GetOrAdd(path, p => new Lazy<TextTokenizer>(() => TextTokenizer.Load(p, storage)));
        try
        {
            return tokenizer.Value;
        }
        catch (Contracts.Errors.AlmException)
        {
            _tokenizers.TryRemove(KeyValuePair.Create(path, tokenizer));
            throw;
        }
    }
}
