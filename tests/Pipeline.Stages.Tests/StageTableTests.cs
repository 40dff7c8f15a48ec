using System.Reflection;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Tests;

/// <summary>One way to register a stage, and one way to name it.</summary>
public class StageTableTests
{
    [Fact]
    public void A_stage_is_called_as_definitions_call_it_with_its_role_behind()
    {
        foreach (StageRegistration row in StageTable.All)
        {
            string name = string.Concat(row.Name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
            Assert.Equal(name + row.Role, row.StageType.Name);
            Assert.Equal(name + "Options", row.OptionsType.Name);
            Assert.Equal(row.StageType.Namespace, row.OptionsType.Namespace);
        }
    }

    [Fact]
    public void A_stage_has_its_row_in_Registration()
    {
        foreach (StageRegistration row in StageTable.All)
        {
            MemberInfo member = Assert.Single(row.StageType.GetMember("Registration", BindingFlags.Public | BindingFlags.Static));
            if (member is PropertyInfo property)
                Assert.Same(row, property.GetValue(null));
            else
                Assert.Equal(typeof(StageRegistration), ((MethodInfo)member).ReturnType);
        }
        Type[] stages = [.. typeof(StageTable).Assembly.GetTypes().Where(t => t.GetInterfaces().Any(IsRole))];
        Assert.Equal(stages.Select(s => s.Name).Order(), StageTable.All.Select(r => r.StageType.Name).Order());
    }

    private static bool IsRole(Type type)
        => type.IsGenericType && type.GetGenericTypeDefinition() is { } role
            && (role == typeof(ISource<>) || role == typeof(IMap<,>) || role == typeof(IStream<,>) || role == typeof(ISink<>));
}
