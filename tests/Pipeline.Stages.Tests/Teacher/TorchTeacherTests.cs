using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.Teacher;

[Collection(TorchCollection.Name)]
public sealed class TorchTeacherTests : IDisposable
{
    private static readonly TeacherRequest s_request = new([new TeacherQuestion([1, 70, 80, 90])]);

    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Preparing_loads_the_weights_and_changes_no_answer()
    {
        await using TorchTeacher prepared = Create(), plain = Create();
        prepared.Prepare();
        // On the device's one thread, behind what was prepared.
        await _run.Device.RunAsync(() => { });
        File.Delete(Path.Combine(_run.Teacher, "model.safetensors"));
        TeacherAnswer found = Assert.Single(await prepared.ScoreAsync(s_request, default));
        _run.SaveModel(_run.Teacher, TinyRun.Llama, seed: 3);
        TeacherAnswer expected = Assert.Single(await plain.ScoreAsync(s_request, default));
        Assert.Equal(expected.Scores.NegLogLikelihood, found.Scores.NegLogLikelihood);
    }

    [Fact]
    public async Task What_fails_while_preparing_is_said_by_the_request()
    {
        File.Delete(Path.Combine(_run.Teacher, "model.safetensors"));
        await using TorchTeacher teacher = Create();
        teacher.Prepare();
        await Assert.ThrowsAsync<InputException>(() => teacher.ScoreAsync(s_request, default));
    }

    private TorchTeacher Create() => new(_run.Teacher, TextTokenizer.Load(_run.Teacher, _run.Storage), _run.Storage, _run.Device);
}
