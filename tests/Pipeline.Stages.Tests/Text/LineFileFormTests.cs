using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

public sealed class LineFileFormTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_file_of_blank_lines_is_refused_and_an_empty_one_is_not()
    {
        File.WriteAllText(_path, "\n  \n\r\n");
        Assert.Contains("all of its 3 lines are blank", Assert.Throws<InputException>(Require).Message, StringComparison.Ordinal);
        File.WriteAllText(_path, "");
        Require();
        File.WriteAllText(_path, "\n{\"text\": \"a\"}\n");
        Require();
    }

    private void Require() => LineFileForm.Require(new DiskStorage(), _path, new ReadJsonlOptions { Files = [_path] });
}
