using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>Whatever the process at the other end does, an error names the file and says what became of the process.</summary>
public sealed class GgufWorkerClientTests
{
    [Theory]
    [InlineData("echo this is why >&2; exit 7", "ended with code 7; its last output:\nthis is why")]
    [InlineData("exit 3", "ended with code 3 without any output")]
    [InlineData("echo 'terminate called' >&2; kill -ABRT $$", "was ended by signal 6; its last output:\nterminate called")]
    [InlineData("printf 'hello, this is no frame'; exit 0", "ended with code 0 without any output")]
    [InlineData("printf '\\003\\000\\000\\000\\144ab'; exit 0", "ended with code 0 without any output")]
    [InlineData("printf '\\000\\000\\000\\000\\144'; exit 0", "ended with code 0 without any output")]
    [InlineData("printf '\\004\\000\\000\\000\\143abcd'; exit 0", "ended with code 0 without any output")]
    public void A_process_that_does_not_answer_is_an_error_that_says_how_it_ended(string script, string expected)
    {
        InputException e = Assert.Throws<InputException>(() => GgufWorkerClient.Open(new Script("/bin/sh", "-c", script), "some.gguf", threads: 1, chunkTokens: 8));
        Assert.Equal($"some.gguf: the process that runs llama.cpp {expected}", e.Message);
    }

    [Fact]
    public void A_long_farewell_is_kept_from_its_end()
    {
        InputException e = Assert.Throws<InputException>(() => GgufWorkerClient.Open(
            new Script("/bin/sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"), "some.gguf", threads: 1, chunkTokens: 8));
        Assert.EndsWith("line 1998\nline 1999", e.Message, StringComparison.Ordinal);
        Assert.InRange(e.Message.Length, 3900, 4200);
    }

    [Fact]
    public void A_program_that_is_not_there_is_named()
    {
        InputException e = Assert.Throws<InputException>(() => GgufWorkerClient.Open(new Script("/no/such/program"), "some.gguf", threads: 1, chunkTokens: 8));
        Assert.StartsWith("some.gguf: /no/such/program, which runs llama.cpp, could not be started: ", e.Message, StringComparison.Ordinal);
    }

    private sealed class Script(string program, params string[] arguments) : IGgufWorkers
    {
        public string Engine => program;

        public ProcessStartInfo Command() => new(program, arguments);
    }
}
