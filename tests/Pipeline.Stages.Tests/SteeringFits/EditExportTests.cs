using System.Diagnostics;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Steering;
using Pipeline.Stages.SteeringFits;
using Pipeline.Stages.Tests.Evaluation;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.SteeringFits;

/// <summary>Folders with an edit in their weights or beside them, opened again.</summary>
[Collection(TorchCollection.Name)]
public sealed class EditExportTests : IDisposable
{
    private readonly StageHarness _run = new();
    private readonly TorchDevice _device = TestDevice.Create();
    private readonly ITestOutputHelper _output;

    public EditExportTests(ITestOutputHelper output)
    {
        _output = output;
        ByteModels.Save(_run.PathOf("model"), 3, _run.Storage);
        _run.Storage.CreateDirectory(_run.PathOf("model/alm_source_tokenizer"));
        File.WriteAllText(_run.PathOf("model/alm_source_tokenizer/note"), "kept");
    }

    public void Dispose()
    {
        _device.Dispose();
        _run.Dispose();
    }

    [Theory]
    [InlineData(ActivationPlace.Mlp, false, EditForm.Auto, true)]
    [InlineData(ActivationPlace.Mlp, true, EditForm.Auto, false)]
    [InlineData(ActivationPlace.Residual, true, EditForm.Auto, false)]
    [InlineData(ActivationPlace.Mlp, false, EditForm.Side, false)]
    public async Task A_written_folder_computes_what_the_edit_does(ActivationPlace place, bool renormalise, EditForm form, bool folds)
    {
        await SaveEditAsync("edit", place, renormalise);
        string said = await WriteAsync("edit", "out", form);
        _output.WriteLine(said);
        Assert.Equal(folds, said.StartsWith("folded", StringComparison.Ordinal));
        Assert.Equal(!folds, File.Exists(_run.PathOf("out/sea.safetensors")));
        Assert.Equal(!folds, File.Exists(_run.PathOf("out/sea_edit.py")));
        Assert.Equal("kept", File.ReadAllText(_run.PathOf("out/alm_source_tokenizer/note")));
        foreach (FileHash file in FileList.Read(_run.Storage, _run.PathOf("out")).Files)
            file.Verify(_run.Storage, _run.PathOf("out"));
        await _device.RunAsync(() =>
        {
            float[] wanted = Logits("model", _run.PathOf("edit")), found = Logits("out", null), plain = Logits("model", null);
            Assert.True(plain.Zip(wanted).Max(p => Math.Abs(p.First - p.Second)) > 0.01);
            Assert.True(wanted.Zip(found).Max(p => Math.Abs(p.First - p.Second)) < 1e-4);
        });
    }

    [Fact]
    public async Task What_weights_cannot_say_is_refused()
    {
        await SaveEditAsync("edit", ActivationPlace.Residual, true);
        Assert.Contains("cannot be folded exactly", (await Assert.ThrowsAsync<InputException>(() => WriteAsync("edit", "out", EditForm.Fold))).Message, StringComparison.Ordinal);
        Assert.Contains("layer 1 at width 24", (await Assert.ThrowsAsync<InputException>(() => SaveAndWriteWiderAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(FeatureMap.Identity), SideCombination.Feature, true)]
    [InlineData(nameof(FeatureMap.Identity), SideCombination.Feature, false)]
    [InlineData(nameof(FeatureMap.SquaredExponential), SideCombination.Feature, true)]
    [InlineData(nameof(FeatureMap.SquaredExponential), SideCombination.Separate, true)]
    [InlineData(nameof(FeatureMap.Tanh), SideCombination.Separate, true)]
    [InlineData(nameof(FeatureMap.Elu), SideCombination.Feature, true)]
    public async Task The_hook_in_python_edits_as_this_program_does(string mapName, SideCombination combination, bool renormalise)
    {
        FeatureMap map = Enum.Parse<FeatureMap>(mapName);
        if (PythonWithTorch() is not { } python)
        {
            _output.WriteLine("skipped: no python3 with torch");
            return;
        }
        await SaveEditAsync("edit", ActivationPlace.Residual, renormalise, map, combination);
        await WriteAsync("edit", "out", EditForm.Side);
        float[][] rows = [], wanted = [];
        await _device.RunAsync(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor hidden = randn([5, 24]);
            rows = Rows(hidden);
            using SteeringEdit edit = SteeringEdit.Load(_run.PathOf("edit/sea.safetensors"), _run.Storage, CPU);
            wanted = Rows(edit.Layers[1].Edit(hidden, combination, renormalise));
        });
        File.WriteAllText(_run.PathOf("rows.json"), JsonSerializer.Serialize(rows));
        const string Script = """
            import json, sys, torch, sea_edit
            about, tensors = sea_edit.read("sea.safetensors")
            class Block(torch.nn.Module):
                def __init__(self, places):
                    super().__init__()
                    self.mlp = torch.nn.Identity()
                    self.places = places
                def forward(self, x):
                    return (x, None) if self.places else x
            class Model:
                pass
            hidden = torch.tensor(json.load(open("../rows.json")))
            results = []
            for places in (True, False):
                model = Model(); model.model = Model(); model.model.layers = [Block(places), Block(places)]
                handles = sea_edit.attach(model, ".")
                out = model.model.layers[1](hidden)
                results.append((out[0] if places else out).tolist())
                for handle in handles:
                    handle.remove()
                same = model.model.layers[1](hidden)
                assert torch.equal(same[0] if places else same, hidden)
            print(json.dumps(results))
            """;
        var start = new ProcessStartInfo(python) { WorkingDirectory = _run.PathOf("out"), RedirectStandardOutput = true, RedirectStandardError = true, ArgumentList = { "-c", Script } };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string printed = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        foreach (float[][] found in JsonSerializer.Deserialize<float[][][]>(printed)!)
        {
            for (int row = 0; row < 5; row++)
                Assert.All(wanted[row].Zip(found[row]), p => Assert.Equal(p.First, p.Second, map == FeatureMap.Tanh ? 2e-3 : 2e-4));
        }
    }

    private static string? PythonWithTorch() => new[] { "python3", "/usr/bin/python3" }.FirstOrDefault(python =>
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(python) { RedirectStandardError = true, RedirectStandardOutput = true, ArgumentList = { "-c", "import torch" } })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    private static float[][] Rows(Tensor tensor) => [.. tensor.contiguous().data<float>().ToArray().Chunk((int)tensor.size(1))];

    private Task<string> WriteAsync(string edit, string to, EditForm form)
        => _device.RunAsync(() => new EditExport(_run.Storage, _device).Write(_run.PathOf("model"), _run.PathOf($"{edit}/sea.safetensors"), _run.PathOf(to), form, null));

    private async Task SaveAndWriteWiderAsync()
    {
        await SaveEditAsync("wide", ActivationPlace.Residual, true);
        string config = File.ReadAllText(_run.PathOf("model/config.json")).Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", StringComparison.Ordinal);
        File.WriteAllText(_run.PathOf("model/config.json"), config);
        await WriteAsync("wide", "out", EditForm.Auto);
    }

    private Task SaveEditAsync(string name, ActivationPlace place, bool renormalise, FeatureMap map = FeatureMap.Identity, SideCombination combination = SideCombination.Feature)
        => _device.RunAsync(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            manual_seed(5);
            Tensor Basis() => linalg.qr(randn([24, 8], ScalarType.Float64), linalg.QRMode.Reduced).Q.to(ScalarType.Float32);
            var layers = new[] { 0, 1 }.ToDictionary(l => l, _ => new SpectralProjection(map, Basis(), Basis()));
            using SteeringEdit edit = new(place, combination, renormalise, layers);
            edit.SaveInto(_run.PathOf(name), _run.Storage);
        });

    private float[] Logits(string folder, string? edit)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using LanguageModel model = LanguageModel.Load(_run.PathOf(folder), null, _run.Storage, _device, ScalarType.Float32, edit: edit);
        return [.. model.Model.Logits(model.Hidden(tensor(new long[] { 256, 65, 66, 67 }, device: model.Device).unsqueeze(0))).cpu().data<float>()];
    }
}
