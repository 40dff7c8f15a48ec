using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>llama.cpp, with its tokenizer and its pieces, writes the text that this program writes: the quick start's teacher, and it under bytes.</summary>
public sealed class GreedyTextTests : IDisposable
{
    private const int Tokens = 60;
    private static readonly string[] Prompts = ["Once upon a time", "The number 12 is", "Zoë said: \"", "\n\n"];

    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);

    public GreedyTextTests(ITestOutputHelper output) => _output = output;

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Greedy_text_is_ours(bool isStudent)
    {
        string model = Path.Combine(Repository.Root, "data", "models", "tiny-llama"), file = _folder["model.gguf"];
        if (isStudent)
        {
            await StudentTransfer.WriteAsync(new StudentDefinition { Model = model, Tokenizer = "bytes" }, _folder["student"], WeightType.Float32, 17, _storage, _torch, default);
            model = _folder["student"];
        }
        await _torch.RunAsync(() => GgufModelFile.Convert(model, null, file, GgufType.F32, _storage, _torch), default);
        TextTokenizer tokenizer = TextTokenizer.Load(model, _storage);
        using GgufWorkerClient llama = LlamaCpp.Open(file);
        foreach (string prompt in Prompts)
        {
            List<int> ids = [.. llama.Tokenize(prompt, addSpecial: true, parseSpecial: false)];
            List<int> ours = [.. tokenizer.CreateEncoder().EncodeDocument(prompt, addBos: true, addEos: false).Ids];
            Assert.Equal(ours, ids);
            List<int> made = await _torch.RunAsync(() => Greedy(model, tokenizer, ours), default);
            string text = GgufAnswer.Of(file, prompt, null, Tokens, default);
            _output.WriteLine($"{prompt}|{text}");
            Assert.Equal(Encoding.UTF8.GetString([.. made.SelectMany(id => tokenizer.ByteView(id).ToArray())]), text);
        }
    }

    private List<int> Greedy(string model, TextTokenizer tokenizer, List<int> prompt)
    {
        using LanguageModel decoder = LanguageModel.Load(model, tokenizer, _storage, _torch);
        return [.. decoder.Generator(new GenerationOptions { MaxNewTokens = Tokens }).Run([prompt], new HashSet<int>(), decoder.ValidRows).Select(t => t.Id)];
    }
}
