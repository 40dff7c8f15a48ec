using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Formats;
using Pipeline.Host.Tests.Gguf;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Gguf;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>The vocabulary of a GGUF, looked at as a teacher's is, and the tokenizer rebuilt from it; what is rebuilt encodes and decodes.</summary>
internal sealed class GgufTokenizerTarget : FuzzTarget
{
    private static readonly string[] Words =
        ["", " ", "▁", "▁▁", "a", "Ġ", "a b", "a  b", "b a c", "<unk>", "<0x41>", "<0xFF>", "<0x414>", "<s>", "é", "\ud800", "\0", "gpt2", "llama", "bert", "t5", "none", "default", "no-such-pre", new('a', 2000)];

    private static readonly string[] Texts = ["", "ab <s> é 12345", new('a', 500), "naïve 東京 \n\n\t  x'S", "<s><s>"];

    private readonly DiskStorage _storage = new();
    private readonly List<(IReadOnlyDictionary<string, object> Values, int Tokens)> _whole = [];

    public GgufTokenizerTarget()
    {
        Add(ToyTokenizer.ByteLevel(Folder["bytes"], 30, "<s>", "</s>", ["<s>", "</s>"]));
        Add(ToyTokenizer.SentencePiece(Folder["pieces"], 12, "<s>", "</s>", ["<s>", "</s>"]));
    }

    public override string Name => "gguf-tokenizer";

    public override int FastTries => 1500;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        (IReadOnlyDictionary<string, object> whole, int tokens) = _whole[random.Next(_whole.Count)];
        Dictionary<string, object> values = new(whole);
        string[] keys = [.. values.Keys];
        for (int changes = random.Next(4); changes > 0; changes--)
        {
            string key = keys[random.Next(keys.Length)];
            if (random.Next(8) == 0 || !values.TryGetValue(key, out object? value))
                values.Remove(key);
            else
                values[key] = Changed(value, random);
        }
        using MemoryStream stream = new();
        GgufWriter writer = Writer(values);
        writer.Add(new GgufSource("token_embd.weight", GgufType.F16, [tokens, 2], sink => sink(new float[tokens * 2])));
        writer.Write(stream);
        string path = Folder["stranger.gguf"];
        File.WriteAllBytes(path, random.Next(6) == 0 ? new ShardMutator([], random).Bytes(stream.ToArray()) : stream.ToArray());

        TextTokenizer tokenizer = TextTokenizer.Load(path, _storage);
        TextEncoder encoder = tokenizer.CreateEncoder();
        foreach (string text in Texts)
        {
            List<int> ids = [];
            encoder.Encode(text, addSpecialTokens: true, ids);
            tokenizer.Decode(ids.ToArray(), skipSpecialTokens: false);
        }
        GgufVocabulary.Check(path, _storage);
    }

    private static object Changed(object value, Random random) => random.Next(10) == 0
        ? random.Next(6) switch { 0 => 7L, 1 => 0.5, 2 => true, 3 => "a", 4 => (string[])["a", "b"], _ => (long[])[1, 2] }
        : value switch
        {
            long => Whole(random),
            double => random.NextDouble(),
            bool flag => !flag,
            string => Word(random),
            string[] texts => Items(texts, random, () => random.Next(3) == 0 ? texts[random.Next(texts.Length)] : Word(random)),
            long[] wholes => Items(wholes, random, () => Whole(random)),
            double[] numbers => Items(numbers, random, () => random.Next(4) switch { 0 => double.NaN, 1 => double.PositiveInfinity, 2 => numbers[random.Next(numbers.Length)], _ => -random.NextDouble() }),
            _ => value,
        };

    private static T[] Items<T>(T[] items, Random random, Func<T> other)
    {
        if (items.Length == 0 || random.Next(4) == 0)
            return [.. items[..random.Next(items.Length + 1)], .. random.Next(2) == 0 ? (T[])[] : [other()]];
        T[] changed = [.. items];
        changed[random.Next(changed.Length)] = other();
        return changed;
    }

    private static string Word(Random random) => random.Next(3) == 0
        ? PreTokenizers.All.SelectMany(p => p.Plain.Concat(p.Ignoring)).Concat(PreTokenizers.Others).ElementAt(random.Next(60))
        : Words[random.Next(Words.Length)];

    private static long Whole(Random random) => random.Next(3) switch { 0 => random.Next(7), 1 => random.Next(400), _ => int.MaxValue };

    private static GgufWriter Writer(Dictionary<string, object> values)
    {
        GgufWriter writer = new();
        foreach ((string key, object value) in values)
            writer.SetAny(key, value);
        return writer;
    }

    private void Add(string folder)
    {
        TextTokenizer tokenizer = ToyTokenizer.Load(folder);
        GgufWriter writer = new();
        writer.Set("general.architecture", "llama");
        new TokenizerMetadata(tokenizer, tokenizer.VocabularySize, []).Write(writer, null);
        string path = Folder["whole.gguf"];
        _storage.WriteAtomically(path, writer.Write);
        using GgufFile file = GgufFile.Open(path, _storage);
        _whole.Add((file.Metadata.Values, tokenizer.VocabularySize));
    }
}
