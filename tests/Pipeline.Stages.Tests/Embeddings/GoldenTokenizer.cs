using System.Text;
using System.Text.Json;
using Pipeline.Stages.Embeddings;

namespace Pipeline.Stages.Tests.Embeddings;

/// <summary>A toy tokenizer.json as a plain BPE over whole strings: the slow obvious twin of a tokenizer.</summary>
internal sealed class GoldenTokenizer
{
    private readonly Dictionary<string, int> _vocabulary = [];
    private readonly Dictionary<(string, string), int> _ranks = [];
    private readonly bool _byteLevel;

    public GoldenTokenizer(JsonElement json)
    {
        JsonElement model = json.GetProperty("model");
        _byteLevel = !model.GetProperty("byte_fallback").GetBoolean();
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            _vocabulary[token.Name] = token.Value.GetInt32();
        foreach (JsonElement merge in model.GetProperty("merges").EnumerateArray())
        {
            string[] pair = merge.ValueKind == JsonValueKind.Array ? [merge[0].GetString()!, merge[1].GetString()!] : merge.GetString()!.Split(' ');
            _ranks.TryAdd((pair[0], pair[1]), _ranks.Count);
        }
        var bytes = new Dictionary<int, (byte[], TokenClass)>();
        foreach ((string token, int id) in _vocabulary)
            bytes[id] = Read(token);
        foreach (JsonElement added in json.GetProperty("added_tokens").EnumerateArray())
            bytes[added.GetProperty("id").GetInt32()] = (Encoding.UTF8.GetBytes(added.GetProperty("content").GetString()!), TokenClass.Mark);
        Marks = [.. bytes.Where(b => b.Value.Item2 == TokenClass.Mark).Select(b => b.Key).Order()];
        Vocabulary = VocabularyBytes.Create(
            bytes.Keys.Max() + 1, id => bytes.TryGetValue(id, out var b) ? b.Item1 : [], id => bytes[id].Item2);
    }

    public VocabularyBytes Vocabulary { get; }

    public int[] Marks { get; }

    /// <summary>Best-ranked merge first, leftmost of equals, over the whole run.</summary>
    public List<int> Tokenize(ReadOnlySpan<byte> bytes)
    {
        List<string> pieces = _byteLevel
            ? [.. bytes.ToArray().Select(b => ByteLetters.Letter(b).ToString())]
            : [.. Runes(bytes)];
        while (true)
        {
            int best = -1, rank = int.MaxValue;
            for (int i = 0; i + 1 < pieces.Count; i++)
            {
                if (_ranks.TryGetValue((pieces[i], pieces[i + 1]), out int r) && r < rank)
                    (best, rank) = (i, r);
            }
            if (best < 0)
                break;
            pieces[best] += pieces[best + 1];
            pieces.RemoveAt(best + 1);
        }
        var ids = new List<int>();
        foreach (string piece in pieces)
        {
            if (_vocabulary.TryGetValue(piece, out int id))
                ids.Add(id);
            else
                ids.AddRange(Encoding.UTF8.GetBytes(piece.Replace('▁', ' ')).Select(b => _vocabulary.GetValueOrDefault($"<0x{b:X2}>", -1)).Where(b => b >= 0));
        }
        return ids;
    }

    private static List<string> Runes(ReadOnlySpan<byte> bytes)
    {
        var pieces = new List<string>();
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) == System.Buffers.OperationStatus.Done)
                pieces.Add(rune.ToString().Replace(' ', '▁'));
            else
                pieces.AddRange(bytes[..used].ToArray().Select(b => $"<0x{b:X2}>"));
            bytes = bytes[used..];
        }
        return pieces;
    }

    private (byte[], TokenClass) Read(string token)
    {
        if (_byteLevel)
            return (ByteLetters.Bytes(token), TokenClass.Text);
        if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal))
            return ([Convert.ToByte(token[3..5], 16)], TokenClass.ByteFallback);
        return (Encoding.UTF8.GetBytes(token.Replace('▁', ' ')), TokenClass.Text);
    }
}
