using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
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
            Dictionary<string, int> llama = Compare(file, Path.Combine(folder, "ids.jsonl"));
            Report(name, "llama.cpp", llama);
            // What may differ is what the export said: text that a normalizer changes, and spaces in front and behind special tokens.
            // Beside that, marks written in a text are marks to llama.cpp also where the file's added tokens do not list them.
            bool nfc = remarks.Any(r => r.Contains("NFC", StringComparison.Ordinal)), spaces = remarks.Any(r => r.Contains('▁', StringComparison.Ordinal));
            if (!nfc && !spaces)
                Assert.Empty(llama.Keys);
            Assert.InRange(llama.Values.Sum(), 0, spaces ? 340 : nfc ? 120 : 0);

            TextTokenizer rebuilt = TextTokenizer.Load(file, _storage);
            Dictionary<string, int> ours = Compare(rebuilt, tokenizer, Path.Combine(folder, "ids.jsonl"));
            Report(name, "rebuilt", ours);
            Assert.Equal(tokenizer.BosId, rebuilt.BosId);
            Assert.Equal(tokenizer.EosId, rebuilt.EosId);
            if (!nfc && !spaces)
                Assert.Empty(ours.Keys);
            for (int id = 0; id < tokenizer.VocabularySize; id++)
                Assert.True(tokenizer.ByteView(id).SequenceEqual(rebuilt.ByteView(id)), $"{name}: token {id} has other bytes");
        }
    }

    private void Report(string name, string who, Dictionary<string, int> kinds)
        => _output.WriteLine($"{name}, {who}: {kinds.Values.Sum()} texts differ{string.Concat(kinds.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => $" {k.Key}:{k.Value}"))}");

    /// <summary>By kind, texts whose ids by llama.cpp are not the reference's.</summary>
    private static Dictionary<string, int> Compare(string file, string reference)
    {
        using GgufWorkerClient llama = LlamaCpp.Open(file, vocabularyOnly: true);
        return Count(reference, (text, ids) => llama.Tokenize(text, addSpecial: false, parseSpecial: true).SequenceEqual(ids));
    }

    private static Dictionary<string, int> Compare(TextTokenizer rebuilt, TextTokenizer original, string reference)
    {
        TextEncoder encoder = rebuilt.CreateEncoder();
        List<int> found = [];
        return Count(reference, (text, ids) =>
        {
            found.Clear();
            encoder.Encode(text, addSpecialTokens: false, found);
            return found.SequenceEqual(ids);
        });
    }

    private static Dictionary<string, int> Count(string reference, Func<string, int[], bool> isSame)
    {
        Dictionary<string, int> kinds = new(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(reference))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (!isSame(document.RootElement.GetProperty("text").GetString()!, [.. document.RootElement.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())]))
                kinds[document.RootElement.GetProperty("kind").GetString()!] = kinds.GetValueOrDefault(document.RootElement.GetProperty("kind").GetString()!) + 1;
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
