using System.Reflection;
using Pipeline.Contracts.Stages;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Architecture;

/// <summary>Dependencies point one way: Host, Stages, Contracts.</summary>
public class DependencyTests
{
    private static readonly Assembly Contracts = typeof(StageRegistration).Assembly;
    private static readonly Assembly Stages = typeof(StageTable).Assembly;

    /// <summary>What Contracts may reference beside the framework: nothing with a native library.</summary>
    private static readonly string[] ManagedPackages = ["MessagePack", "MessagePack.Annotations", "System.IO.Hashing"];

    private static IEnumerable<string> References(Assembly assembly) => assembly.GetReferencedAssemblies().Select(a => a.Name!);

    private static bool IsFramework(string name) => name is "netstandard" or "mscorlib"
        || File.Exists(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, name + ".dll"));

    [Fact]
    public void Contracts_references_the_framework_and_managed_packages_alone()
        => Assert.Empty(References(Contracts).Where(r => !IsFramework(r)).Except(ManagedPackages));

    [Fact]
    public void Stages_references_Contracts_and_not_the_host()
    {
        Assert.Contains("Pipeline.Contracts", References(Stages));
        Assert.DoesNotContain("alm", References(Stages));
    }

    [Theory]
    [InlineData("Pipeline.Stages.Objectives")]
    [InlineData("Pipeline.Stages.Alignment")]
    public void Objectives_and_alignment_know_nothing_of_files_and_blocks(string room)
        => Assert.Empty(Uses(room, t => t.Name is "IStorage" || t.Namespace == "System.Threading.Tasks.Dataflow"));

    /// <summary>Blocks, counts and files of a run are the same whatever computes in the stages.</summary>
    [Theory]
    [InlineData("Graph")]
    [InlineData("Progress")]
    [InlineData("Files")]
    [InlineData("Jobs")]
    [InlineData("Runs.Parts")]
    public void What_runs_stages_knows_none(string room)
        => Assert.Empty(RoomUses.Of(Path.Combine(AppContext.BaseDirectory, "alm.dll"), "Pipeline.Host", "Pipeline.Stages").Where(u => u.Key.From == room).SelectMany(u => u.Value));

    [Fact]
    public void The_host_s_commands_name_rooms_of_stages_or_the_test_above_is_blind()
        => Assert.Contains(("Commands", "Torch"), RoomUses.Of(Path.Combine(AppContext.BaseDirectory, "alm.dll"), "Pipeline.Host", "Pipeline.Stages").Keys);

    [Fact]
    public void No_stage_makes_dataflow_blocks()
        => Assert.DoesNotContain("System.Threading.Tasks.Dataflow", References(Stages));

    /// <summary>Types of a namespace whose fields, properties, parameters or locals are of a forbidden type.</summary>
    private static IEnumerable<string> Uses(string space, Func<Type, bool> forbidden)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (Type type in Stages.GetTypes().Where(t => t.Namespace?.StartsWith(space, StringComparison.Ordinal) == true))
        {
            IEnumerable<Type> used = type.GetFields(all).Select(f => f.FieldType)
                .Concat(type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)).SelectMany(m =>
                    m.GetParameters().Select(p => p.ParameterType)
                        .Concat(m.GetMethodBody()?.LocalVariables.Select(v => v.LocalType) ?? [])));
            foreach (Type found in used.Where(forbidden)) yield return $"{type.FullName} uses {found.FullName}";
        }
    }
}
