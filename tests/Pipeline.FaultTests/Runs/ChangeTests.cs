using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.FaultTests.Runs;

/// <summary>A run folder goes on with what it was begun with, and with nothing else.</summary>
[Collection(TinyJobTests.Name)]
public sealed class ChangeTests(TinyJob job)
{
    [Fact]
    public void A_changed_definition_is_refused_with_what_differs_and_more_steps_go_on()
    {
        string folder = job.NewFolder("changed");
        AlmEnd first = InProcess.Run(TinyJob.Arguments(job.Definition, folder));
        Assert.True(first.Code == ExitCodes.Success, first.ToString());

        AlmEnd refused = InProcess.Run(TinyJob.Arguments(job.Write("faster.json", job.Text(learningRate: "0.002")), folder));
        Assert.Equal(ExitCodes.Definition, refused.Code);
        Assert.Contains("learningRate", refused.Error, StringComparison.Ordinal);
        Assert.Contains("0.001", refused.Error, StringComparison.Ordinal);
        Assert.Contains("0.002", refused.Error, StringComparison.Ordinal);
        TinyJob.AssertSame(job.Expected, folder, "a refused definition");

        AlmEnd longer = InProcess.Run(TinyJob.Arguments(job.Write("longer.json", job.Text(steps: 15)), folder));
        Assert.True(longer.Code == ExitCodes.Success, longer.ToString());
        Assert.Contains("continuing from step 12 of 15", longer.Output, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, 15).Select(i => (long)i), TinyJob.StepsComputed(folder));
        // The shards of before serve; none is scored again.
        Assert.Equal(job.Expected.Where(f => f.Key.StartsWith("shards", StringComparison.Ordinal)), TinyJob.Results(folder).Where(f => f.Key.StartsWith("shards", StringComparison.Ordinal)));
    }

    [Fact]
    public void Shards_of_other_teacher_weights_are_refused_by_the_name_of_the_part()
    {
        string teacher = job.NewFolder("teacher");
        Directory.CreateDirectory(teacher);
        foreach (string file in Directory.GetFiles(job.Teacher))
            File.Copy(file, Path.Combine(teacher, Path.GetFileName(file)));
        string folder = job.NewFolder("other-teacher");
        AlmEnd first = InProcess.Run(TinyJob.Arguments(job.Write("teacher.json", job.Text(teacher: teacher)), folder));
        Assert.True(first.Code == ExitCodes.Success, first.ToString());

        string weights = Path.Combine(teacher, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^2] ^= 1;
        File.WriteAllBytes(weights, bytes);
        SortedDictionary<string, string> before = TinyJob.Results(folder);
        AlmEnd second = InProcess.Run(TinyJob.Arguments(job.Write("teacher.json", job.Text(teacher: teacher, steps: 15)), folder));

        Assert.True(second.Code == ExitCodes.Input, second.ToString());
        Assert.Matches(string.Create(CultureInfo.InvariantCulture, $"teacher weights is '[^']+', this run expects '[^']+'"), second.Error);
        Assert.Equal(before, TinyJob.Results(folder));
    }
}
