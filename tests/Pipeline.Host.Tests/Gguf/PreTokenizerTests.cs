using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Gguf;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>What the names of pre-tokenizers stand for is knowledge of llama.cpp's: it is asked.</summary>
public sealed class PreTokenizerTests : IDisposable
{
    private const string Key = "tokenizer.ggml.pre";

    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly string _file;

    public PreTokenizerTests(ITestOutputHelper output)
    {
        _output = output;
        _file = _folder["tiny.gguf"];
        using TorchDevice torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
        string model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
        torch.RunAsync(() => GgufModelFile.Convert(model, null, _file, GgufType.F16, _storage, torch), default).GetAwaiter().GetResult();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_name_that_is_known_is_loaded_and_no_other()
    {
        string copy = _folder["copy.gguf"];
        foreach (string name in PreTokenizers.All.SelectMany(p => p.Plain.Concat(p.Ignoring)).Concat(PreTokenizers.Others))
        {
            GgufCopy.Write(_file, copy, (key, value) => key == Key ? name : value);
            using GgufWorkerClient llama = LlamaCpp.Open(copy, vocabularyOnly: true);
            Assert.True(PreTokenizers.IsKnown(name));
        }
        GgufCopy.Write(_file, copy, (key, value) => key == Key ? "no-such-pre" : value);
        Assert.False(PreTokenizers.IsKnown("no-such-pre"));
        Assert.Contains("unknown pre-tokenizer type", Assert.Throws<InputException>(() => LlamaCpp.Open(copy, vocabularyOnly: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Expressions_cut_the_reference_texts_as_the_names_do()
    {
        if (SharedFolder.Below("tokenizers", _output) is not { } root)
            return;
        string[] texts = [.. Directory.GetFiles(root, "ids.jsonl", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(1)
            .SelectMany(File.ReadLines).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!)];
        string copy = _folder["copy.gguf"];
        foreach (PreTokenizer pre in PreTokenizers.All)
        {
            string name = pre.Plain.Concat(pre.Ignoring).First();
            GgufCopy.Write(_file, copy, (key, value) => key == Key ? name : value);
            TextEncoder encoder = TextTokenizer.Load(copy, _storage).CreateEncoder();
            using GgufWorkerClient llama = LlamaCpp.Open(copy, vocabularyOnly: true);
            List<int> ours = [];
            int differ = 0;
            foreach (string text in texts)
            {
                ours.Clear();
                encoder.Encode(text, addSpecialTokens: false, ours);
                differ += ours.SequenceEqual(llama.Tokenize(text, addSpecial: false, parseSpecial: true)) ? 0 : 1;
            }
            _output.WriteLine($"{name}: {differ} of {texts.Length} texts differ");
            // llama.cpp tells upper case from lower by A to Z alone where the models' own expressions go by Unicode; ours are the models'.
            bool isCased = pre.Patterns[0].Contains(@"\p{Lu}", StringComparison.Ordinal);
            Assert.InRange(differ, 0, isCased ? texts.Length / 10 : 0);
        }
    }
}
