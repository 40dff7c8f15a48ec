using Pipeline.Contracts.Errors;

namespace Pipeline.FaultTests.Runs;

/// <summary>A definition from a stranger writes below the run folder or not at all.</summary>
[Collection(TinyJobTests.Name)]
public sealed class PathTests(TinyJob job)
{
    [Theory]
    [InlineData("shards", "../outside")]
    [InlineData("shards", "a/../../outside")]
    [InlineData("shards", "{absolute}")]
    [InlineData("shards", "")]
    [InlineData("student", "../outside")]
    [InlineData("student", "a/../../outside")]
    [InlineData("student", "{absolute}")]
    [InlineData("student", "nothing\\u0000here")]
    public void A_place_outside_the_run_folder_is_refused_before_anything_is_written_there(string part, string to)
    {
        string outer = job.NewFolder("outer");
        Directory.CreateDirectory(outer);
        string place = to.Replace("{absolute}", Path.Combine(outer, "outside"), StringComparison.Ordinal);
        string definition = job.Write("outside.json", job.Text().Replace($"\"to\": \"{part}\"", $"\"to\": \"{place}\"", StringComparison.Ordinal));
        AlmEnd end = InProcess.Run(TinyJob.Arguments(definition, Path.Combine(outer, "run")));
        Assert.True(end.Code == ExitCodes.Definition, end.ToString());
        Assert.DoesNotContain(Directory.GetFileSystemEntries(outer), e => Path.GetFileName(e) != "run");
    }
}
