using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>
/// llama.cpp cuts the reference texts as Hugging Face's crate does, by the exported metadata alone, save kinds of texts that the export
/// says; and the tokenizer rebuilt from the file is the one that went in.
/// </summary>
public sealed class TokenizerExportTests : IDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);

    public TokenizerExportTests(ITestOutputHelper output) => _output = output;

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Ids_of_the_reference_texts_are_those_of_the_reference()
    {
        if (SharedFolder.Below("tokenizers", _output) is not { } root)
            return;
        foreach (string folder in Directory.GetDirectories(root).Where(f => File.Exists(Path.Combine(f, "ids.jsonl"))).Order(StringComparer.Ordinal))
        {
            TextTokenizer tokenizer = TextTokenizer.Load(folder, _storage);
            string file = _folder["tokenizer.gguf"];
            IReadOnlyList<string> remarks = await _torch.RunAsync(() => Export(tokenizer, file), CancellationToken.None);
            string name = Path.GetFileName(folder);
            foreach (string remark in remarks)
                _output.WriteLine($"{name}: {remark}");
            // What may differ is what the export said: text that a normalizer changes, and spaces in front of texts and behind marks; and there,
            // marks written in a text, which llama.cpp knows by their look too.
            bool nfc = remarks.Any(r => r.Contains("NFC", StringComparison.Ordinal)), spaces = remarks.Any(r => r.Contains('▁', StringComparison.Ordinal));
            string[] marks = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.TokenOf).OfType<string>().Where(t => t.Length > 2 && ((t[0] == '<' && t[^1] == '>') || (t[0] == '[' && t[^1] == ']')))];
            bool IsSaid(string text, string kind)
                => (nfc && !text.IsNormalized(NormalizationForm.FormC)) || (spaces && text.StartsWith(' ')) || ((nfc || spaces) && (kind == "special" || marks.Any(text.Contains)));
            Dictionary<string, int> llama = Compare(file, Path.Combine(folder, "ids.jsonl"), IsSaid);
            Report(name, "llama.cpp", llama);

            TextTokenizer rebuilt = TextTokenizer.Load(file, _storage);
            Report(name, "rebuilt", Compare(rebuilt, Path.Combine(folder, "ids.jsonl"), IsSaid));
            Assert.Equal(tokenizer.BosId, rebuilt.BosId);
            Assert.Equal(tokenizer.EosId, rebuilt.EosId);
            for (int id = 0; id < tokenizer.VocabularySize; id++)
                Assert.True(tokenizer.ByteView(id).SequenceEqual(rebuilt.ByteView(id)), $"{name}: token {id} has other bytes");
        }
    }

    private void Report(string name, string who, Dictionary<string, int> kinds)
        => _output.WriteLine($"{name}, {who}: {kinds.Values.Sum()} texts differ{string.Concat(kinds.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => $" {k.Key}:{k.Value}"))}");

    /// <summary>A vocabulary whose every text gets a dummy space, as the first Llamas' do: nothing differs then.</summary>
    [Fact]
    public async Task A_sentencepiece_vocabulary_with_a_plain_prefix_is_exact()
    {
        if (SharedFolder.Below("tokenizers", _output) is not { } root)
            return;
        foreach (string source in Directory.GetDirectories(root).Where(f => File.Exists(Path.Combine(f, "ids.jsonl"))).Order(StringComparer.Ordinal))
        {
            JsonNode json = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(source, "tokenizer.json")))!;
            if (json["model"]!["byte_fallback"] is not JsonValue fallback || !fallback.GetValue<bool>())
                continue;
            json["pre_tokenizer"] = null;
            json["normalizer"] = JsonNode.Parse("""{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}""");
            Directory.CreateDirectory(_folder["plain"]);
            await File.WriteAllTextAsync(_folder["plain/tokenizer.json"], json.ToJsonString());
            TextTokenizer tokenizer = TextTokenizer.Load(_folder["plain"], _storage), rebuilt;
            string file = _folder["plain.gguf"];
            await _torch.RunAsync(() => Export(tokenizer, file), CancellationToken.None);
            rebuilt = TextTokenizer.Load(file, _storage);
            using GgufWorkerClient llama = LlamaCpp.Open(file, vocabularyOnly: true);
            int texts = 0;
            foreach (string line in File.ReadLines(Path.Combine(source, "ids.jsonl")))
            {
                using JsonDocument document = JsonDocument.Parse(line);
                string text = document.RootElement.GetProperty("text").GetString()!;
                int[] expected = Encode(tokenizer, text);
                Assert.Equal(expected, Encode(rebuilt, text));
                // A text of nothing but a mark is one that a dummy space before it would show; llama.cpp leaves none there.
                if (document.RootElement.GetProperty("kind").GetString() != "special")
                    Assert.Equal(expected, llama.Tokenize(text, addSpecial: false, parseSpecial: true));
                texts++;
            }
            _output.WriteLine($"{Path.GetFileName(source)}: {texts} texts");
        }
    }

    [Fact]
    public async Task A_chat_template_and_marks_go_along()
    {
        const string Template = "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{{ eos_token }}{% endfor %}";
        string folder = _folder["model"], file = _folder["model.gguf"];
        ByteModel.Save(folder, seed: 1);
        await File.WriteAllTextAsync(Path.Combine(folder, "chat_template.jinja"), Template);
        IReadOnlyList<string> remarks = await _torch.RunAsync(() => GgufModelFile.Convert(folder, null, file, GgufType.Q8_0, _storage, _torch), CancellationToken.None);
        // Rows of 20 and 24 are no blocks of 32.
        Assert.Contains(remarks, r => r.Contains("are F16", StringComparison.Ordinal));
        using GgufFile read = GgufFile.Open(file, _storage);
        Assert.Equal(Template, read.Metadata.Text("tokenizer.chat_template"));
        Assert.Equal(Template, ChatTemplate.Find(file, _storage));
        Assert.Equal(ByteModel.Bos, read.Metadata.Whole("tokenizer.ggml.bos_token_id"));
        Assert.True(read.Metadata.Flag("tokenizer.ggml.add_bos_token"));
        // The head has more rows than the tokenizer has tokens: each is a token of its own.
        Assert.Equal(271, read.Metadata.Texts("tokenizer.ggml.tokens")!.Distinct(StringComparer.Ordinal).Count());
        using GgufWorkerClient llama = LlamaCpp.Open(file);
        Assert.Equal([ByteModel.Bos, .. "hi é"u8.ToArray().Select(b => (int)b)], llama.Tokenize("hi é", addSpecial: true, parseSpecial: false));
    }

    private static int[] Encode(TextTokenizer tokenizer, string text)
    {
        List<int> ids = [];
        tokenizer.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
        return [.. ids];
    }

    /// <summary>By kind, texts whose ids by llama.cpp are not the reference's; each must be of a kind that the export named.</summary>
    private static Dictionary<string, int> Compare(string file, string reference, Func<string, string, bool> isSaid)
    {
        using GgufWorkerClient llama = LlamaCpp.Open(file, vocabularyOnly: true);
        return Count(reference, isSaid, (text, ids) => llama.Tokenize(text, addSpecial: false, parseSpecial: true).SequenceEqual(ids));
    }

    private static Dictionary<string, int> Compare(TextTokenizer rebuilt, string reference, Func<string, string, bool> isSaid)
    {
        TextEncoder encoder = rebuilt.CreateEncoder();
        List<int> found = [];
        return Count(reference, isSaid, (text, ids) =>
        {
            found.Clear();
            encoder.Encode(text, addSpecialTokens: false, found);
            return found.SequenceEqual(ids);
        });
    }

    private static Dictionary<string, int> Count(string reference, Func<string, string, bool> isSaid, Func<string, int[], bool> isSame)
    {
        Dictionary<string, int> kinds = new(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(reference))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            string text = document.RootElement.GetProperty("text").GetString()!, kind = document.RootElement.GetProperty("kind").GetString()!;
            if (isSame(text, [.. document.RootElement.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())]))
                continue;
            Assert.True(isSaid(text, kind), $"{reference}: a text of kind {kind} differs, for no reason that the export gave: {text}");
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
        }
        return kinds;
    }

    // Touches torch: compiled after it is loaded.
    private IReadOnlyList<string> Export(TextTokenizer tokenizer, string file)
    {
        ModelConfig config = ModelConfig.Parse(
            $$"""{"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "vocab_size": {{tokenizer.VocabularySize}}, "tie_word_embeddings": true}""", "tiny");
        using LanguageModel model = new(CausalLm.Create(config, 1, CPU, ScalarType.Float32), tokenizer);
        return GgufModelFile.Write(model, file, GgufType.F16, null, _storage);
    }
}
