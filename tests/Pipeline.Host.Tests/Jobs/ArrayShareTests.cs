using Pipeline.Contracts.Errors;
using Pipeline.Host.Jobs;

namespace Pipeline.Host.Tests.Jobs;

public sealed class ArrayShareTests
{
    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=16", 5, 16)]
    [InlineData("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=4 SLURM_ARRAY_TASK_COUNT=4", 3, 4)]
    [InlineData("SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=4 SLURM_ARRAY_TASK_COUNT=3", 2, 3)]
    [InlineData("JOB_COMPLETION_INDEX=2 JOB_COMPLETION_COUNT=3", 2, 3)]
    [InlineData("SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=2 JOB_COMPLETION_INDEX=1 JOB_COMPLETION_COUNT=9", 0, 2)]
    public void A_task_takes_its_share_from_the_environment(string environment, int index, int count)
        => Assert.Equal((index, count), ArrayShare.Of(Variables(environment)));

    [Theory]
    [InlineData("", "--parts is missing")]
    [InlineData("SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_COUNT=2", "share 2 of 2: the array has holes")]
    [InlineData("SLURM_ARRAY_TASK_ID=5", "SLURM_ARRAY_TASK_MIN is not set")]
    [InlineData("JOB_COMPLETION_INDEX=2", "JOB_COMPLETION_COUNT is not set")]
    [InlineData("JOB_COMPLETION_INDEX=two JOB_COMPLETION_COUNT=3", "found 'two', expected a number")]
    public void What_is_no_array_is_refused_by_name(string environment, string says)
        => Assert.Contains(says, Assert.Throws<DefinitionException>(() => ArrayShare.Of(Variables(environment))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Work_without_parts_does_the_share_of_its_task()
    {
        using var folder = new TemporaryFolder();
        string definition = folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 20 }, { "stage": "write-parts", "count": 5 }"""));

        AlmAnswer answer = await Alm.RunAsync(
            ["work", definition, "--run", folder["run"], "--flow", "only"], variable: Variables("SLURM_ARRAY_TASK_ID=11 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_COUNT=3"));

        Assert.Equal(0, answer.Code);
        Assert.Equal(["part-1.txt", "part-4.txt"], Directory.GetFiles(folder["run"], "part-*.txt").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(ExitCodes.Definition, (await Alm.RunAsync(["work", definition, "--run", folder["run"], "--flow", "only"], variable: _ => null)).Code);
    }

    private static Func<string, string?> Variables(string text)
    {
        Dictionary<string, string> values = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=')).ToDictionary(p => p[0], p => p[1]);
        return name => values.GetValueOrDefault(name);
    }
}
