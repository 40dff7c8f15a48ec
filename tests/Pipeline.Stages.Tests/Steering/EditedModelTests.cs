using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Steering;

/// <summary>A teacher and a student with an edit.</summary>
[Collection(TorchCollection.Name)]
public sealed class EditedModelTests : IDisposable
{
    private readonly TinyRun _run = new();

    public EditedModelTests() => _run.Device.RunAsync(SaveEdit).GetAwaiter().GetResult();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_teacher_with_an_edit_says_so_and_scores_as_the_edited_model()
    {
        TeacherQuestion[] rows = [new([0, 5, 9, 30, 31, 7])];
        ITeacher plain = Teacher(null), edited = Teacher("run:edit");
        Assert.False(plain.Fingerprint.ContainsKey(FingerprintPart.TeacherEdit));
        Assert.Equal(plain.Fingerprint[FingerprintPart.TeacherWeights], edited.Fingerprint[FingerprintPart.TeacherWeights]);
        Assert.Equal(FileHash.Of(_run.Storage, _run["edit/sea.safetensors"]).Hash, edited.Fingerprint[FingerprintPart.TeacherEdit]);

        float[] before = (await plain.ScoreAsync(new(rows), default))[0].Scores.NegLogLikelihood, after = (await edited.ScoreAsync(new(rows), default))[0].Scores.NegLogLikelihood;
        float[] expected = await _run.Device.RunAsync(() => NegLogLikelihood(rows[0].Ids));
        Assert.All(expected.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        Assert.True(before.Zip(after).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.01);
    }

    [Fact]
    public async Task A_student_with_an_edit_is_written_with_it()
    {
        RunDefinition definition = _run.Definition();
        var site = new RunSite(definition with { Student = definition.Student! with { Edit = "run:edit" } }, _run.Folder, _run.Storage, new TokenizerStore(_run.Storage));
        float[] own = [], read = [];
        await _run.Device.RunAsync(() =>
        {
            using LanguageModel student = StudentFactory.Create(site, _run.Device);
            StudentExport.Write(student, _run["student"], WeightType.Float32, site, null);
            own = States(student);
            using LanguageModel again = LanguageModel.Load(_run["student"], null, _run.Storage, _run.Device);
            read = States(again);
            File.Delete(_run["student/sea.safetensors"]);
            using LanguageModel without = LanguageModel.Load(_run["student"], null, _run.Storage, _run.Device);
            Assert.True(States(without).Zip(own).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.01);
        });
        Assert.All(own.Zip(read), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public async Task A_model_with_an_edit_is_refused_as_GGUF()
    {
        await _run.Device.RunAsync(() =>
        {
            using LanguageModel model = LanguageModel.Load(_run.Teacher, null, _run.Storage, _run.Device, edit: _run["edit"]);
            Assert.Contains("has an edit of its activations, which GGUF cannot express", Assert.Throws<InputException>(() => GgufModelFile.Check(model)).Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task An_edit_lets_gradients_through()
    {
        await _run.Device.RunAsync(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            using LanguageModel model = LanguageModel.Load(_run.Teacher, null, _run.Storage, _run.Device, edit: _run["edit"]);
            model.Model.SetTrainable(TrainablePart.Full);
            Tensor weight = model.Model.Parameters.First(p => p.Name.EndsWith("layers.0.mlp.up_proj.weight", StringComparison.Ordinal)).Tensor;
            Tensor Loss() => model.Hidden(tensor(new long[] { 0, 5, 9, 30 }, device: model.Device).unsqueeze(0)).pow(2).mul(tensor(new float[] { 1, -2, 3, 0.5f }, device: model.Device).view(1, 4, 1)).sum();
            Loss().backward();
            double gradient = weight.grad![3, 4].ToDouble();
            double Shifted(double by)
            {
                using IDisposable quiet = no_grad();
                weight[3, 4].add_(by);
                double loss = Loss().ToDouble();
                weight[3, 4].add_(-by);
                return loss;
            }
            double slope = (Shifted(1e-2) - Shifted(-1e-2)) / 2e-2;
            Assert.True(Math.Abs(slope - gradient) <= 0.02 * Math.Max(0.1, Math.Abs(gradient)), $"{slope} {gradient}");
        });
    }

    [Fact]
    public void What_cannot_be_edited_is_refused_by_name()
    {
        RunDefinition definition = _run.Definition();
        var site = new RunSite(definition with { Student = new StudentDefinition { Config = _run.Teacher, Tokenizer = _run.Teacher, Edit = "run:edit" } }, _run.Folder, _run.Storage, new TokenizerStore(_run.Storage));
        Assert.Contains("starts from a config", Assert.Throws<DefinitionException>(() => StudentFactory.Create(site, _run.Device)).Message, StringComparison.Ordinal);
        Assert.Contains("project-sea", Assert.Throws<InputException>(() => Teacher("run:nothing").Fingerprint).Message, StringComparison.Ordinal);
    }

    private ITeacher Teacher(string? edit)
    {
        RunDefinition definition = _run.Definition();
        return _run.Teachers.Get(_run.Context(definition with { Teacher = definition.Teacher! with { Edit = edit } }));
    }

    private float[] NegLogLikelihood(int[] ids)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = CausalLm.Load(_run.Teacher, _run.Storage, _run.Device.Device, ScalarType.Float32);
        using SteeringEdit edit = SteeringEdit.Load(_run["edit/sea.safetensors"], _run.Storage, _run.Device.Device);
        edit.ApplyTo(model);
        int valid = TextTokenizer.Load(_run.Teacher, _run.Storage).VocabularySize;
        Tensor logits = model.Logits(model.Hidden(tensor(Array.ConvertAll(ids, i => (long)i), device: model.Device).unsqueeze(0), model.CreateAttention(1, ids.Length)))[0].narrow(1, 0, Math.Min(valid, model.Config.VocabularySize));
        Tensor log = logits.log_softmax(-1);
        return [0, .. Enumerable.Range(1, ids.Length - 1).Select(t => -log[t - 1, ids[t]].ToSingle())];
    }

    private static float[] States(LanguageModel model)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return [.. model.Hidden(tensor(new long[] { 65, 66, 10, 70 }, device: model.Device).unsqueeze(0)).cpu().data<float>()];
    }

    private void SaveEdit()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(5);
        var layers = new Dictionary<int, SpectralProjection>();
        for (int layer = 0; layer < 2; layer++)
        {
            Tensor Basis() => linalg.qr(randn([32, 6], ScalarType.Float64), linalg.QRMode.Reduced).Q.to(ScalarType.Float32);
            layers.Add(layer, new SpectralProjection(FeatureMap.Identity, Basis(), Basis()));
        }
        using SteeringEdit edit = new(ActivationPlace.Residual, SideCombination.Feature, renormalise: true, layers);
        edit.SaveInto(_run["edit"], _run.Storage);
    }
}
